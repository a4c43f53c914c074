"""The words that most guessed passwords are made of. Our own list: names, teams, moods, keys, seasons, brands. Pure."""

WORDS = frozenset(
    """
    password passwort passwd passcode motdepasse contrasena contrasenha senha parola salasana wachtwoord haslo heslo
    sifre pass pwd secret secrets geheim welcome welkom willkommen bienvenue bienvenido benvenuto hello hallo salut
    hola ciao letmein openup opensesame sesame access login logon signin signup enter admin administrator root toor
    superuser user username guest test tester testing demo sample example default changeme change changeit
    changethis temp temporary temppass initial setup install system server database oracle mysql postgres cisco
    router switch network windows microsoft apple google facebook twitter instagram youtube netflix amazon paypal
    stripe samsung nokia sony nintendo playstation xbox android iphone ipad computer laptop internet office company
    business support service account money cash dollar euro bank banking credit card visa mastercard payment
    payments gateway merchant wallet checkout master masters boss chief king queen prince princess lord lady god
    jesus christ maria angel angels heaven devil satan demon hell love lover lovely loveyou iloveyou ilove iloveu
    loveme loveyouforever forever always honey sweet sweety sweetie sweetheart darling baby babe babygirl babyboy
    sexy kiss kisses hugs heart hearts beautiful pretty cute happy smile smiley lucky luck peace hope faith trust
    trustno trustme dream dreams dreamer magic wizard merlin gandalf dragon dragons monkey monkeys tiger tigers lion
    lions bear bears wolf wolves eagle eagles falcon hawk panther panthers jaguar cheetah leopard puma cougar horse
    horses pony dolphin dolphins shark sharks whale fish turtle frog bird birds phoenix chicken duck cow pig rabbit
    bunny hamster mouse rat snake spider scorpion dog dogs doggie puppy cat cats kitty kitten fluffy buddy buster
    bailey bella charlie cookie cooper daisy duke ginger max molly oscar pepper rocky sadie shadow smokey snoopy
    tigger toby zeus sunshine sun sunny moon moonlight star stars starwars startrek sky skywalker rainbow rain snow
    snowball snowman storm thunder lightning fire flame ice water ocean river beach island mountain forest flower
    flowers rose roses lily lotus orchid garden summer winter spring autumn fall january february march april may
    june july august september october november december monday tuesday wednesday thursday friday saturday sunday
    today tomorrow yesterday football soccer baseball basketball hockey golf golfer tennis rugby cricket swimming
    running racing nascar ferrari porsche mercedes bmw audi toyota honda yamaha suzuki harley corvette mustang
    camaro chevy ford dodge jeep liverpool arsenal chelsea manchester united barcelona realmadrid madrid juventus
    milan bayern celtic rangers yankees redsox lakers bulls cowboys steelers packers giants patriots broncos raiders
    dodgers superman batman spiderman ironman hulk thor joker robin wolverine pokemon pikachu mario zelda sonic
    naruto goku minecraft fortnite warcraft starcraft counterstrike callofduty halo matrix terminator hunter killer
    ninja samurai warrior soldier sniper ranger pirate cowboy rocket hacker player gamer michael jennifer jessica
    ashley amanda sarah joshua matthew daniel david james john robert william richard joseph thomas christopher
    charles anthony mark paul steven andrew kenneth george kevin brian edward ronald timothy jason jeffrey ryan
    jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin samuel frank gregory raymond
    alexander alex patrick jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle walter
    ethan jeremy harold keith christian roger noah gerald carl terry sean austin arthur lawrence jesse dylan bryan
    joe jordan billy bruce albert willie gabriel logan alan juan wayne roy ralph randy eugene vincent russell elijah
    louis bobby philip johnny mary patricia linda elizabeth barbara susan margaret dorothy lisa nancy karen betty
    helen sandra donna carol ruth sharon michelle laura emily kimberly deborah cynthia angela melissa brenda amy
    anna rebecca virginia kathleen pamela martha debra stephanie carolyn christine marie janet catherine frances ann
    joyce diane alice julie heather teresa doris gloria evelyn jean cheryl mildred katherine joan nicole natalie
    hannah samantha andrea victoria monica sophia sophie olivia emma isabella mia charlotte amelia abigail chloe
    lauren vanessa jasmine tiffany crystal amber diamond gold golden silver platinum ruby emerald sapphire pearl
    orange banana cherry strawberry lemon peach coconut chocolate coffee pizza cheese burger candy sugar butter
    bacon whiskey vodka beer wine tequila martini blue red green black white yellow purple pink brown grey gray
    violet america canada mexico brazil england london paris france germany berlin italy roma rome spain russia
    moscow india mumbai delhi china tokyo japan australia sydney newyork chicago boston dallas denver texas
    california florida family mother father mom mommy dad daddy sister brother son daughter grandma friend friends
    bestfriend husband wife school college university student teacher doctor nurse lawyer engineer manager employee
    freedom liberty justice power energy spirit soul life live alive death dead blood bloody zombie vampire ghost
    music guitar piano drums metal metallica nirvana eminem beatles slipknot rockstar rock jazz dance dancer singer
    football1 abc abcd xyz qwe qwer qwert qwerty qwertz azerty asd asdf asdfgh zxc zxcv zxcvbn qaz wsx edc qazwsx
    one two three four five six seven eight nine ten eleven twelve hundred thousand million first second third last
    good great best better super cool awesome perfect crazy stupid bitch fuck fucker fuckyou fuckoff shit asshole
    whatever nothing something anything everything nobody somebody anybody everybody please thanks thankyou sorry
    the and you your for not this that with from have what when where who how why yes whoami trustnoone letmeinnow
    openthedoor
    """.split()
)

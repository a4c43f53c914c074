/* Lockgate's collector: tells people from programs on a payment page, by when keys and pointer move.
 * It never looks at which key it was, nor at what stands in a field. docs/signals.md says all that it sends. */
(() => {
  "use strict";
  const tag = document.currentScript, said = tag.dataset;
  const home = new URL(tag.src).origin;
  const endpoint = said.endpoint || home + "/v1/radar/sessions";
  const STEP = 5, PAUSE = 2000, REST = 1000, MOST_POINTS = 40, MOST_STROKES = 12, MOST_TIMES = 32, WAIT = 2500;
  const now = () => performance.now();
  const steps = ms => Math.max(0, Math.round(ms / STEP));
  const cap = (n, most) => Math.min(most, Math.max(0, Math.round(n) || 0));

  // Fields in the order of how much may be known of them: nothing, sums only, and times (sorted, so without an order).
  const TIMED = { email: "email", name: "name", "given-name": "name", "family-name": "name", tel: "phone",
    "street-address": "address", "address-line1": "address", "address-line2": "address", "address-level2": "address" };
  const role = field => {
    if (!field || !field.matches || !field.matches("input,textarea,select")) return null;
    const words = (field.getAttribute("autocomplete") || "").toLowerCase().split(/\s+/);
    // A password that its page shows is a text field, and a password still.
    if (/^(password|hidden)$/.test(field.type) || words.some(word => /^one-time-code$|-password$/.test(word))) return null;
    if (words.some(word => word.startsWith("cc-"))) return "card";
    const known = words.map(word => TIMED[word]).find(Boolean);
    return known || (field.type === "email" ? "email" : "other");  // "tel" may be a card's: shops want its keyboard
  };

  let began = 0, shown = 0, shownAt = 0, focused = 0, focusedAt = 0, blurs = 0, fields = 0;
  let keys = 0, untrusted = 0, injected = 0, overlaps = 0, on = false, sent = null;
  const typed = {}, pasted = new Set(), filled = new Set(), numbers = { corrections: 0, pastes: 0, autofills: 0 };
  const pointer = { moves: 0, path: 0, net: 0, clicks: 0, still: 0, touches: 0, scrolls: 0 };
  let points = [], strokes = [], pressed = null, lastKey = -1e9, lastPaste = -1e9, lastMove = null, down = [];

  const of = name => typed[name] || (typed[name] = { holds: [], gaps: [], count: 0, at: null, corrections: 0 });
  const keep = (list, value) => { if (list.length < 256) list.push(value); };

  const listeners = {
    keydown(event) {
      if (!event.isTrusted) { untrusted++; return; }
      if (event.repeat) return;
      const name = role(event.target);
      if (!name) return;
      const at = event.timeStamp, field = of(name);
      keys++; lastKey = at; field.count++;
      if (down.length) overlaps++;
      if (down.length < 8) down.push([at, name]);
      if (field.at !== null && at - field.at < PAUSE) keep(field.gaps, at - field.at);
      field.at = at;
    },
    keyup(event) {
      const first = event.isTrusted && down.shift();
      if (first && event.timeStamp - first[0] < PAUSE) keep(of(first[1]).holds, event.timeStamp - first[0]);
    },
    input(event) {
      const name = role(event.target);
      if (!name) return;
      const how = event.inputType || "", at = event.timeStamp;
      let auto = false;
      try { auto = event.target.matches(":autofill"); } catch { /* an older browser knows no such word */ }
      if (auto) { numbers.autofills++; filled.add(name); }
      else if (!event.isTrusted) untrusted++;
      else if (how.startsWith("delete")) { numbers.corrections++; of(name).corrections++; }
      else if (how === "insertFromPaste" || how === "insertFromDrop" || at - lastPaste < 50) pasted.add(name);
      else if (at - lastKey > 100 && !how.startsWith("insertComposition") && event.target.tagName !== "SELECT"
        && !/^(checkbox|radio|range|color|file)$/.test(event.target.type)) injected++;
    },
    paste(event) {
      if (role(event.target)) { numbers.pastes++; lastPaste = event.timeStamp; pasted.add(role(event.target)); }
    },
    focusin(event) { if (role(event.target)) { fields++; focusedAt = event.timeStamp; down = []; } },
    focusout(event) {
      const name = role(event.target);
      if (name && focusedAt) { focused += event.timeStamp - focusedAt; focusedAt = 0; blurs++; of(name).at = null; }
    },
    pointermove(event) {
      if (!event.isTrusted) { untrusted++; return; }
      const here = { x: event.clientX, y: event.clientY, at: event.timeStamp };
      pointer.moves++;
      if (points.length && (here.at - lastMove.at > REST || points.length >= MOST_POINTS)) close();
      points.push(lastMove = here);
    },
    pointerdown(event) {
      if (!event.isTrusted) { untrusted++; return; }
      if (event.pointerType === "touch") { pointer.touches++; points = []; return; }
      pointer.clicks++;
      const near = lastMove && Math.abs(lastMove.x - event.clientX) + Math.abs(lastMove.y - event.clientY) < 3;
      if (!near || points.length < 3) pointer.still++;
      pressed = { at: event.timeStamp, stroke: close(lastMove ? event.timeStamp - lastMove.at : 0) };
    },
    pointerup(event) {
      if (pressed && pressed.stroke) pressed.stroke[19] = 1 + cap(event.timeStamp - pressed.at, 2000);
      pressed = null;
      points = [];
    },
    scroll() { pointer.scrolls++; },
    visibilitychange() {
      if (document.hidden) { shown += now() - shownAt; } else shownAt = now();
    },
  };

  // What is kept of a stroke: twenty numbers (core/pointer.py names them), and no place on the page.
  function close(rested) {
    const all = points, found = [], gaps = [];
    points = [];
    if (all.length < 4) return null;
    const first = all[0], end = all[all.length - 1], took = end.at - first.at;
    let path = 0, peak = 0, peakAt = 0, turned = 0, sharpest = 0, longest = 0, still = 0, heading = null;
    for (let n = 1; n < all.length; n++) {
      const dx = all[n].x - all[n - 1].x, dy = all[n].y - all[n - 1].y, gap = all[n].at - all[n - 1].at;
      const far = Math.hypot(dx, dy);
      gaps.push(gap);
      if (!far) { still++; continue; }
      path += far;
      longest = Math.max(longest, far);
      const speed = far / Math.max(gap, 1) * 1000, angle = Math.atan2(dy, dx);
      found.push(speed);
      if (speed > peak) { peak = speed; peakAt = (all[n].at - first.at) / took; }
      if (heading !== null) {
        const by = Math.abs(angle - heading), turn = Math.min(by, 2 * Math.PI - by);
        turned += turn; sharpest = Math.max(sharpest, turn);
      }
      heading = angle;
    }
    if (!found.length || took <= 0) return null;
    const dx = end.x - first.x, dy = end.y - first.y, net = Math.hypot(dx, dy);
    pointer.path += path; pointer.net += net;
    const at = (list, part) => sorted(list)[Math.floor(part * (list.length - 1))];
    const stroke = [
      cap(all.length, 40), cap(took, 60000), cap(path, 99999), cap(1000 * net / path, 1000),
      ...[at(found, .25), at(found, .5), at(found, .75), peak].map(one => cap(one, 99999)), cap(1000 * peakAt, 1000),
      cap(1000 * turned / found.length, 3142), cap(1000 * sharpest, 3142), cap(longest, 9999), cap(still, 40),
      ...[at(gaps, .1), at(gaps, .5), at(gaps, .9), Math.max(...gaps)].map(one => cap(one, 1000)),
      cap((Math.atan2(dy, dx) * 180 / Math.PI + 360) % 360, 360), rested === undefined ? 0 : 1 + cap(rested, 9998), 0,
    ];
    strokes.push(stroke);
    if (strokes.length > MOST_STROKES) strokes.shift();
    return stroke;
  }

  function begin() {
    if (on) return;
    on = true; began = shownAt = now();
    for (const name in listeners) {
      const where = name === "visibilitychange" ? document : window;
      where.addEventListener(name, listeners[name], { capture: true, passive: true });
    }
  }
  function end() {
    on = false;
    for (const name in listeners) {
      const where = name === "visibilitychange" ? document : window;
      where.removeEventListener(name, listeners[name], { capture: true });
    }
  }

  const hash = text => {
    let sum = 0x811c9dc5;
    for (let place = 0; place < text.length; place++) sum = Math.imul(sum ^ text.charCodeAt(place), 0x01000193) >>> 0;
    return sum.toString(16).padStart(8, "0");
  };
  const asks = query => { try { return matchMedia(query).matches; } catch { return false; } };
  const plain = (text, most) => String(text || "").replace(/[^\w .,:()\/+-]/g, "").slice(0, most);
  const stored = () => { try { return localStorage; } catch { return null; } };
  const place = "lockgate_device" + (said.key ? "_" + said.key.slice(-8) : "");

  function device() {
    const n = navigator, s = screen, hints = n.userAgentData, zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const strange = ["__playwright", "__pwInitScripts", "__puppeteer", "_phantom", "callPhantom", "__nightmare", "domAutomation",
      "domAutomationController", "__webdriver_evaluate", "__selenium_unwrapped", "__webdriver_script_fn"];
    const own = Object.getOwnPropertyNames(n).length > 0;
    const marked = strange.some(name => name in window) || Object.keys(document).some(name => /^\$?cdc_/.test(name));
    return {
      timezone: plain(zone, 64), offset: -new Date().getTimezoneOffset(), languages: plain((n.languages || []).join(","), 80),
      platform: plain(n.platform, 40), vendor: plain(n.vendor, 40), agent: hash(n.userAgent),
      hint_platform: plain(hints && hints.platform, 40), hint_mobile: !!(hints && hints.mobile),
      hint_brands: plain(hints && hints.brands.map(one => one.brand).join(","), 120),
      cores: cap(n.hardwareConcurrency, 1024), memory: cap((n.deviceMemory || 0) * 4, 4096),
      screen: [s.width, s.height, s.colorDepth].map(one => cap(one, 99999)).join("x"),
      window: [outerWidth, outerHeight, innerWidth, innerHeight].map(one => cap(one, 99999)).join("x"),
      ratio: cap(devicePixelRatio * 100, 9999), touch: cap(n.maxTouchPoints, 255),
      pointer: asks("(any-pointer: fine)") ? "fine" : asks("(any-pointer: coarse)") ? "coarse" : "none",
      hover: asks("(any-hover: hover)"), gamut: ["rec2020", "p3", "srgb"].find(g => asks(`(color-gamut: ${g})`)) || "none",
      plugins: cap(n.plugins && n.plugins.length, 255), pdf: !!n.pdfViewerEnabled, cookies: !!n.cookieEnabled,
      storage: !!stored(), math: hash([Math.tan(-1e300), Math.exp(1), Math.sinh(1), Math.cos(1e22)].join()),
      webdriver: n.webdriver === true, automation: marked || own,
    };
  }

  const mean = list => list.length ? list.reduce((sum, one) => sum + one, 0) / list.length : 0;
  const deviation = list => { const m = mean(list); return Math.sqrt(mean(list.map(one => (one - m) ** 2))); };
  const sorted = list => [...list].sort((one, other) => one - other);
  const times = list => {
    const all = sorted(list), most = Math.min(MOST_TIMES, all.length);
    return Array.from({ length: most }, (_, n) => steps(all[Math.floor((n + .5) * all.length / most)])).join("_");
  };

  function report() {
    close();
    const body = [], put = (name, value) => {
      if (value !== "") body.push(`signals${name}=${encodeURIComponent(value)}`);
    };
    const all = (prefix, values) => { for (const name in values) put(`${prefix}[${name}]`, values[name]); };
    put("[version]", 1);
    all("[device]", device());
    all("[visit]", {
      form_ms: cap(now() - began, 9e7), visible_ms: cap(shown + (document.hidden ? 0 : now() - shownAt), 9e7),
      focus_ms: cap(focused, 9e7), fields: cap(fields, 9999), blurs: cap(blurs, 9999), keys: cap(keys, 9999),
      untrusted: cap(untrusted, 9999), injected: cap(injected, 9999), overlaps: cap(overlaps, 9999),
      corrections: cap(numbers.corrections, 9999), pastes: cap(numbers.pastes, 9999),
      autofills: cap(numbers.autofills, 9999),
    });
    for (const name in typed) {
      const { holds, gaps, count, corrections } = typed[name];
      if (name === "card" || name === "other") all(`[${name}]`, {
        count: cap(count, 9999), corrections: cap(corrections, 9999),
        hold_mean: steps(mean(holds)), hold_deviation: steps(deviation(holds)),
        gap_mean: steps(mean(gaps)), gap_deviation: steps(deviation(gaps)),
      });
      else all(`[typing][${name}]`, { holds: times(holds), gaps: times(gaps) });
    }
    if (pasted.has("card")) put("[card][pasted]", true);
    if (filled.has("card")) put("[card][autofilled]", true);
    all("[pointer]", {
      moves: cap(pointer.moves, 99999), path: cap(pointer.path, 9e6),
      straightness: pointer.path ? cap(1000 * pointer.net / pointer.path, 1000) : "",
      clicks: cap(pointer.clicks, 9999), still: cap(pointer.still, 9999), touches: cap(pointer.touches, 9999),
      scrolls: cap(pointer.scrolls, 9999), strokes: strokes.map(stroke => stroke.join("_")).join("."),
    });
    return body;
  }

  async function send() {
    const body = report();
    end();
    if (said.key) body.push("key=" + encodeURIComponent(said.key));
    const kept = stored(), known = said.device || (kept && kept.getItem(place));
    if (known) body.push("device=" + encodeURIComponent(known));
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), WAIT);
    try {
      const answer = await fetch(endpoint, {
        method: "POST", body: body.join("&"), headers: { "Content-Type": "application/x-www-form-urlencoded" },
        keepalive: true, signal: stop.signal, referrerPolicy: "no-referrer", credentials: said.key ? "omit" : "same-origin",
      });
      if (!answer.ok) return null;
      const made = await answer.json();
      if (made.device && said.key && kept) try { kept.setItem(place, made.device); } catch { /* full, or forbidden */ }
      return made.id;
    } catch { return null; } finally { clearTimeout(timer); }
  }
  const session = () => sent || (sent = on ? send() : Promise.resolve(null));

  // A form that asks for it gets the session as a hidden field; one that cannot be had holds nobody up.
  document.addEventListener("submit", event => {
    const form = event.target;
    if (!form.matches("form[data-lockgate]") || form.dataset.lockgate === "done" || event.defaultPrevented) return;
    if (!on && !sent) return;
    event.preventDefault();
    // A form cannot be submitted while it still tells of a submit: later, even where the answer is there already.
    session().then(id => setTimeout(() => {
      if (id) {
        const field = document.createElement("input");
        field.type = "hidden"; field.name = "radar_options[session]"; field.setAttribute("value", id);
        form.append(field);
      }
      form.dataset.lockgate = "done";
      form.requestSubmit(event.submitter);
    }));
  });

  // What decides whether anything is looked at: the account's setting, the merchant's banner, the shopper's answer.
  let setting = said.key ? null : "notice", agreed = said.consent === "given" ? true : null;
  function decide() {
    const ask = setting === "ask" || said.consent === "required";
    if (setting && setting !== "off" && agreed !== false && (agreed || !ask) && !sent) begin();
  }
  function consent(yes) {
    agreed = yes === true;
    if (agreed) { decide(); return; }
    end();
    const kept = stored();
    if (kept) kept.removeItem(place);
  }
  Object.defineProperty(window, "Lockgate", {
    value: Object.freeze({ ...window.Lockgate, collector: Object.freeze({ session, consent }) }),
  });

  decide();
  if (said.key) {
    fetch(`${home}/v1/radar/collector?key=${encodeURIComponent(said.key)}`, { credentials: "omit", referrerPolicy: "no-referrer" })
      .then(answer => answer.ok ? answer.json() : { collector: "off" })
      .then(found => { setting = found.collector; decide(); })
      .catch(() => { /* where the gateway cannot be asked, nothing is collected */ });
  }
  const box = document.querySelector("[data-lockgate-consent]");
  if (box) box.addEventListener("change", () => consent(box.matches(":checked")));
  if (said.leave === "send") addEventListener("pagehide", () => { if (on) session(); });
})();

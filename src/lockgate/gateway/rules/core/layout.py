"""Which byte of a packed row each attribute has: fixed for ever, since stored decisions are read by it.

Attributes that are younger than the layout have no place and are kept by name until they get one at the end. A new
layout gets a new number, and readers keep the old one.
"""

LAYOUT = 1

SLOTS: tuple[str, ...] = tuple(
    """
    amount currency is_setup is_off_session is_from_browser hour_of_day day_of_week tries card_bin card_brand
    card_funding card_country is_card_saved has_cvc customer_age_h email_domain is_email_disposable
    email_digits_share shipping_country billing_country ip_country ip_network card_distance_km card_speed_kmh
    customer_distance_km customer_speed_kmh has_session is_device_new device_conflicts is_webdriver
    is_timezone_foreign bot_score form_seconds is_card_pasted is_card_autofilled typing_deviation
    pointer_straightness engine_score engine_decision card_attempts_1m card_amount_1m card_declines_1m
    card_blocks_1m card_attempts_1h card_amount_1h card_declines_1h card_blocks_1h card_attempts_24h card_amount_24h
    card_declines_24h card_blocks_24h card_attempts_7d card_amount_7d card_declines_7d card_blocks_7d
    card_attempts_30d card_amount_30d card_declines_30d card_blocks_30d card_age_h card_frauds_7d card_frauds_30d
    customer_attempts_1m customer_amount_1m customer_declines_1m customer_blocks_1m customer_attempts_1h
    customer_amount_1h customer_declines_1h customer_blocks_1h customer_attempts_24h customer_amount_24h
    customer_declines_24h customer_blocks_24h customer_attempts_7d customer_amount_7d customer_declines_7d
    customer_blocks_7d customer_attempts_30d customer_amount_30d customer_declines_30d customer_blocks_30d
    customer_frauds_7d customer_frauds_30d ip_attempts_1m ip_amount_1m ip_declines_1m ip_blocks_1m ip_attempts_1h
    ip_amount_1h ip_declines_1h ip_blocks_1h ip_attempts_24h ip_amount_24h ip_declines_24h ip_blocks_24h
    ip_attempts_7d ip_amount_7d ip_declines_7d ip_blocks_7d ip_attempts_30d ip_amount_30d ip_declines_30d
    ip_blocks_30d ip_age_h ip_frauds_7d ip_frauds_30d device_attempts_1m device_amount_1m device_declines_1m
    device_blocks_1m device_attempts_1h device_amount_1h device_declines_1h device_blocks_1h device_attempts_24h
    device_amount_24h device_declines_24h device_blocks_24h device_attempts_7d device_amount_7d device_declines_7d
    device_blocks_7d device_attempts_30d device_amount_30d device_declines_30d device_blocks_30d device_age_h
    device_frauds_7d device_frauds_30d email_attempts_1m email_amount_1m email_declines_1m email_blocks_1m
    email_attempts_1h email_amount_1h email_declines_1h email_blocks_1h email_attempts_24h email_amount_24h
    email_declines_24h email_blocks_24h email_attempts_7d email_amount_7d email_declines_7d email_blocks_7d
    email_attempts_30d email_amount_30d email_declines_30d email_blocks_30d email_age_h email_frauds_7d
    email_frauds_30d bin_attempts_1m bin_amount_1m bin_declines_1m bin_blocks_1m bin_attempts_1h bin_amount_1h
    bin_declines_1h bin_blocks_1h bin_attempts_24h bin_amount_24h bin_declines_24h bin_blocks_24h bin_attempts_7d
    bin_amount_7d bin_declines_7d bin_blocks_7d bin_attempts_30d bin_amount_30d bin_declines_30d bin_blocks_30d
    bin_age_h bin_frauds_7d bin_frauds_30d ip_cards_1h ip_cards_24h ip_cards_7d device_cards_1h device_cards_24h
    device_cards_7d email_cards_1h email_cards_24h email_cards_7d customer_cards_1h customer_cards_24h
    customer_cards_7d bin_cards_1h bin_cards_24h bin_cards_7d bin_ips_1h bin_ips_24h bin_ips_7d card_ips_1h
    card_ips_24h card_ips_7d card_devices_1h card_devices_24h card_devices_7d card_emails_1h card_emails_24h
    card_emails_7d card_customers_1h card_customers_24h card_customers_7d ip_emails_1h ip_emails_24h ip_emails_7d
    device_emails_1h device_emails_24h device_emails_7d device_ips_1h device_ips_24h device_ips_7d email_ips_1h
    email_ips_24h email_ips_7d risk_score risk_level card_past_payments card_usual_amount card_usual_deviation
    card_past_frauds card_highest_7d card_clean_last_h card_fraud_run card_fraud_last_h card_clean_since_fraud
    customer_past_payments customer_usual_amount customer_usual_deviation customer_past_frauds customer_highest_7d
    customer_clean_last_h customer_fraud_run customer_fraud_last_h customer_clean_since_fraud device_past_payments
    device_usual_amount device_usual_deviation device_past_frauds device_highest_7d device_clean_last_h
    device_fraud_run device_fraud_last_h device_clean_since_fraud card_issuer pointer_deviation customer_made_h
    card_fraud_run_first_h card_fraud_run_lowest customer_fraud_run_first_h customer_fraud_run_lowest
    device_fraud_run_first_h device_fraud_run_lowest
    """.split()
)
"""Names in the order of their places; the first has place 1, since place 0 holds the layout."""

LISTED_FROM = 300
"""Where the places of ``LISTED`` begin: what lies between is room for names."""

LISTED: tuple[str, ...] = tuple(
    """
    card_fingerprint customer email ip_address device card_bin card_brand card_funding card_country card_issuer
    currency email_domain shipping_country billing_country ip_country ip_network engine_decision risk_level
    """.split()
)
"""Attributes whose values may stand in value lists, in the order of their places."""

WIDTH = 320
"""How many bytes a row has, however many of them have a name: so each of them can be asked for in any row."""

-- Reads what stores may have of every account.
-- Inputs: accounts, customers, scores, tiers, runs, predictions, pictures, replenishments, traits; $imported, whether scores came with the customer list;
-- $ranked, whether some go by rank; $basis, whether there is one for profiling; $consent, whether it is consent; $saving, $profiled, $marketed, the
-- traits live campaigns use by what they were given for, with commas between. Grain: one row per account, in the order of account_id. Output:
-- attributes; memory (previous segment, day of change, until when a fall is held back); measured (whether values may be published) and values, the
-- last receipt being as far back as recency says; given (whether a segment and scores are published as given) and those; deepened (whether
-- predictions and picture may be published) and those; traits; the tier that purchases keep, until when, and until when all that counts does.
with run as (
    select max_by(as_of, run_id) as as_of from main.runs
), known as (
    select
        accounts.account_id, customers.* exclude (account_id, segment, r, f, m), scores.* exclude (account_id, segment, r, f, m),
        $basis and not coalesce(objected, false) and not coalesce(minor, false) and (not $consent or coalesce(profiling, false)) as permitted,
        case when $imported then customers.segment else scores.segment end as segment,
        case when $imported then customers.r else scores.r end::bigint as r,
        case when $imported then customers.f else scores.f end::bigint as f,
        case when $imported then customers.m else scores.m end::bigint as m,
        permitted and not $imported and standing in ('scored', 'lapsed') as deepened
    from main.accounts
    left join main.customers using (account_id)
    left join main.scores using (account_id)
), again as (
    select
        account_id, list(item order by item) as items, list((expected_day - date '1970-01-01')::bigint order by item) as expected,
        list(every_days::bigint order by item) as every
    from main.replenishments
    group by account_id
), facts as (
    -- Traits that a live campaign uses, for what they were given for.
    select account_id, list({'name': name, 'word': word, 'yes': yes, 'number': number} order by name) as traits
    from main.traits join known using (account_id)
    where not coalesce(objected, false) and not coalesce(minor, false) and (
        name in (select unnest(string_split($saving, ',')))
        or (permitted and name in (select unnest(string_split($profiled, ','))))
        or (coalesce(marketing, false) and name in (select unnest(string_split($marketed, ','))))
    )
    group by account_id
)
select
    known.account_id,
    language, home_store, first_name, groups, objected, profiling, marketing, linked_answers, minor, blocked, known.tier, points,
    permitted and not $imported and not $ranked and standing in ('scored', 'lapsed') as measured,
    first_receipt, run.as_of - recency_days, frequency, monetary_minor, visits, spend_minor,
    -- While a fall is held back, the segment that still stands is the one before what the values make.
    case when held_until is null then previous_segment else segment end,
    case when held_until is null then changed else falling_since end,
    held_until,
    permitted and segment is not null and ($imported or ($ranked and standing in ('scored', 'lapsed'))) as given,
    segment, r, f, m,
    deepened, alive_percent_band::bigint, visits_band, next_visit_band::bigint, value_band, profit_band,
    pictures.account_id is not null, favourite_group, favourite_brand, breadth::bigint, promotion_percent::bigint, usual_weekday::bigint,
    usual_hours, usual_season, usual_store, usual_channel, cluster, also_bought, again.items, again.expected, again.every,
    facts.traits, tiers.tier, tiers.until_day, tiers.counts_until
from run, known
left join main.tiers on tiers.account_id = known.account_id
left join (
    select account_id, alive_percent_band, visits_band, next_visit_band, value_band, profit_band from main.predictions
) as predictions on predictions.account_id = known.account_id
left join main.pictures on pictures.account_id = known.account_id
left join again on again.account_id = known.account_id
left join facts on facts.account_id = known.account_id
order by known.account_id

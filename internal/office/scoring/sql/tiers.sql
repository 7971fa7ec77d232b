-- Finds the tier that an account's purchases keep it in, and until when, if nothing more is bought.
-- Inputs: counted, scores, tier_rules (one row per way to reach a tier: place, the lowest 0; tier; unit, one of spend, visits and segment; threshold
-- in minor units or visits; segment; keep, the days of grace); $as_of; $currency; in the text: gone, the first day on which what was bought on a
-- day no longer counts (null where it always does), and unit, ten-thousandths to a minor unit. Grain: one row per account. Changes: tiers.
delete from main.tiers;
insert into main.tiers
with bought as (
    select account_id, business_date as day, store, any_visit, ((sold + returned) * 10000)::bigint as spent, /*gone*/ as gone
    from counted($as_of, $currency)
    where account_id is not null
), recent as (
    -- What is gone for longer than any grace lasts changes nothing.
    select * from bought
    where gone is null or gone > date '1970-01-01' + $as_of::integer - (select coalesce(max(keep), 0) from temp.main.tier_rules)::integer
), visits as (
    select distinct account_id, day, store, gone from recent where any_visit
), changes as (
    select account_id, day, spent, 0 as visits from recent
    union all select account_id, gone, -spent, 0 from recent where gone is not null
    union all select account_id, day, 0, 1 from visits
    union all select account_id, gone, 0, -1 from visits where gone is not null
), days as (
    select account_id, day, sum(spent)::bigint as spent, sum(visits)::bigint as visits from changes group by account_id, day
), running as (
    -- What counted from each day on which something changed, through the day before the next.
    select account_id, day,
        lead(day) over purchases - 1 as last_day,
        sum(spent) over purchases as spent_now, sum(visits) over purchases as visits_now
    from days
    window purchases as (partition by account_id order by day)
), summed as (
    select account_id, day, last_day, visits_now, (sign(spent_now) * ((abs(spent_now) + /*unit*/ // 2) // /*unit*/))::bigint as spend_now from running
), ways as (
    select account_id, place, tier, keep, coalesce(last_day, date '9999-12-31') as held_until
    from summed join temp.main.tier_rules
        on (unit = 'spend' and spend_now >= threshold) or (unit = 'visits' and visits_now >= threshold)
    union all
    -- A segment that was left keeps its tier for the days of grace.
    select account_id, place, tier, keep,
        case when scores.segment = tier_rules.segment then date '9999-12-31' else changed - 1 end
    from main.scores join temp.main.tier_rules on unit = 'segment' and tier_rules.segment in (scores.segment, previous_segment)
), kept as (
    select account_id, place, tier, max(case when held_until = date '9999-12-31' then held_until else held_until + keep end) as until_day
    from ways
    group by account_id, place, tier
    having until_day >= date '1970-01-01' + $as_of::integer
), highest as (
    select account_id, max_by(tier, place) as tier, max_by(until_day, place) as until_day from kept group by account_id
), counting as (
    select account_id, min(gone) - 1 as counts_until
    from recent
    where gone > date '1970-01-01' + $as_of::integer
    group by account_id
)
select
    account_id, tier, case when until_day < date '9999-12-31' then until_day end, counts_until
from highest full join counting using (account_id)

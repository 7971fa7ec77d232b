-- Gives scores and segments, and remembers the segment before.
-- Inputs: measured, places, ranks (the best segment 0), accounts, scores of the run before; $as_of, $delay (days before a fall counts), $scores
-- (their number per dimension), and for each value whether its score goes by rank, and in the text how many cut points it lies above (null without
-- any). Grain: one row per account. Output: placed.
create temp table placed as
with ranked as (
    -- The rank i of n accounts, from 1, by value and customer number; it lies above the k-th of the quantiles of 1..n when
    -- (i − 1) · scores > (n − 1) · k.
    select account_id, count(*) over () as n,
        row_number() over (order by recency_days, number, external_id, account_id) as recency,
        row_number() over (order by frequency, number, external_id, account_id) as frequency,
        row_number() over (order by monetary_minor, number, external_id, account_id) as money
    from (
        select measured.*, try_cast(external_id as hugeint) as number, external_id
        from temp.main.measured left join main.accounts using (account_id)
        where standing = 'scored' and ($recency_ranked or $frequency_ranked or $monetary_ranked)
    )
), scored as (
    select measured.*,
        case
            when standing = 'scored' and $recency_ranked then $scores - greatest(0, ((ranked.recency - 1) * $scores - 1) // (n - 1))
            when standing in ('scored', 'lapsed') then $scores - (/*recency above*/)
        end as r,
        case
            when standing = 'scored' and $frequency_ranked then 1 + greatest(0, ((ranked.frequency - 1) * $scores - 1) // (n - 1))
            when standing in ('scored', 'lapsed') then 1 + (/*frequency above*/)
        end as f,
        case
            when standing = 'scored' and $monetary_ranked then 1 + greatest(0, ((ranked.money - 1) * $scores - 1) // (n - 1))
            when standing in ('scored', 'lapsed') then 1 + (/*monetary above*/)
        end as m
    from temp.main.measured left join ranked using (account_id)
), derived as (
    select scored.*, places.segment as derived, ranks.place
    from scored left join temp.main.places using (r, f, m) left join temp.main.ranks using (segment)
), before as (
    -- A second run as of the same day starts from the day before, as the first one did.
    select before.*, ranks.place
    from (
        select account_id,
            case when run_day = date '1970-01-01' + $as_of::integer then before_segment else segment end as segment,
            case when run_day = date '1970-01-01' + $as_of::integer then before_previous else previous_segment end as previous_segment,
            case when run_day = date '1970-01-01' + $as_of::integer then before_changed else changed end as changed,
            case when run_day = date '1970-01-01' + $as_of::integer then before_falling_since else falling_since end as falling_since
        from main.scores
    ) as before
    left join temp.main.ranks using (segment)
), due as (
    -- Since when a fall is due; null when none is.
    select derived.*, before.* exclude (account_id, place),
        case when derived.place > before.place and $delay > 0
            then least(coalesce(before.falling_since, date '1970-01-01' + $as_of::integer), date '1970-01-01' + $as_of::integer)
        end as due
    from derived left join before on before.account_id = derived.account_id
), counted as (
    select *,
        coalesce(date '1970-01-01' + $as_of::integer < due + $delay::integer, false) as held,
        case when held then segment else derived end as counts
    from due
)
select
    account_id, standing, why, first_receipt, last_receipt, recency_days, frequency, monetary_minor, visits, spend_minor,
    r, f, m, counts,
    case when standing = 'left_out' then null when segment is distinct from counts then segment else previous_segment end as previous_segment,
    case when standing = 'left_out' then null when segment is distinct from counts and segment is not null
        then date '1970-01-01' + $as_of::integer else changed end as changed,
    case when held then derived end as falling_to,
    case when held then due end as falling_since,
    case when held then due + $delay::integer - 1 end as held_until,
    date '1970-01-01' + $as_of::integer as run_day,
    -- Nothing is remembered of who is not scored.
    case when standing <> 'left_out' then segment end as before_segment,
    case when standing <> 'left_out' then previous_segment end as before_previous,
    case when standing <> 'left_out' then changed end as before_changed,
    case when standing <> 'left_out' then falling_since end as before_falling_since
from counted

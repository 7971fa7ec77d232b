-- Gives scores and segments, and remembers the segment before.
-- Inputs: measured, places, accounts, scores of the run before; $as_of, $scores (their number per dimension), cut points with commas between
-- (empty for none), and for each value whether its score goes by rank. Grain: one row per account. Output: placed.
create temp table placed as
with cuts as (
    select
        case when $recency_cuts <> '' then string_split($recency_cuts, ',')::bigint[] end as recency,
        case when $frequency_cuts <> '' then string_split($frequency_cuts, ',')::bigint[] end as frequency,
        case when $monetary_cuts <> '' then string_split($monetary_cuts, ',')::bigint[] end as monetary
), ranked as (
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
            when standing in ('scored', 'lapsed') then $scores - len(list_filter(cuts.recency, lambda q: q < recency_days))
        end as r,
        case
            when standing = 'scored' and $frequency_ranked then 1 + greatest(0, ((ranked.frequency - 1) * $scores - 1) // (n - 1))
            when standing in ('scored', 'lapsed') then 1 + len(list_filter(cuts.frequency, lambda q: q < measured.frequency))
        end as f,
        case
            when standing = 'scored' and $monetary_ranked then 1 + greatest(0, ((ranked.money - 1) * $scores - 1) // (n - 1))
            when standing in ('scored', 'lapsed') then 1 + len(list_filter(cuts.monetary, lambda q: q < monetary_minor))
        end as m
    from temp.main.measured left join ranked using (account_id), cuts
), named as (
    select scored.*, places.segment
    from scored left join temp.main.places using (r, f, m)
), before as (
    -- A second run as of the same day compares with the day before, as the first one did.
    select account_id,
        case when changed = date '1970-01-01' + $as_of::integer then previous_segment else segment end as segment,
        case when changed = date '1970-01-01' + $as_of::integer then null else previous_segment end as previous_segment,
        case when changed = date '1970-01-01' + $as_of::integer then null else changed end as changed
    from main.scores
)
select
    named.account_id, standing, why, first_receipt, last_receipt, recency_days, frequency, monetary_minor, visits, spend_minor,
    r, f, m, named.segment,
    case when before.segment is distinct from named.segment then before.segment else before.previous_segment end as previous_segment,
    case when before.segment is distinct from named.segment and before.segment is not null then date '1970-01-01' + $as_of::integer
        else before.changed end as changed
from named left join before on before.account_id = named.account_id
order by named.account_id

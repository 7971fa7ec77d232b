-- Says what is known of each segment in its own right.
-- Inputs: scores, customers, runs, run_segments. Grain: one row per segment of those who were scored, the largest first. Output: segment, accounts,
-- money, share of all money in basis points; how many earlier days (at most six) it is held against, its mean size on them, its size and money on
-- the last of them; how many agreed to marketing; the segment whose middle is nearest, and how far that is in hundredths of a standard deviation.
with newest as (
    select max(run_id) as run_id, max_by(as_of, run_id) as as_of from main.runs
), days as (
    -- The last run of each earlier day.
    select runs.as_of, max(runs.run_id) as run_id
    from main.runs, newest
    where runs.as_of < newest.as_of and runs.run_id < newest.run_id
    group by runs.as_of
    order by runs.as_of desc
    limit 6
), history as (
    select days.as_of, segment, accounts, monetary_minor from days join main.run_segments using (run_id)
), scored as (
    select scores.*, coalesce(customers.marketing, false) as marketing
    from main.scores left join main.customers using (account_id)
    where standing = 'scored'
), spread as (
    select
        sum(monetary_minor) as money,
        nullif(stddev_pop(recency_days), 0) as recency, nullif(stddev_pop(frequency), 0) as frequency, nullif(stddev_pop(monetary_minor), 0) as monetary
    from scored
), middles as (
    select segment, count(*) as accounts, sum(monetary_minor)::bigint as money, count(*) filter (marketing) as reachable,
        avg(recency_days) as recency, avg(frequency) as frequency, avg(monetary_minor) as monetary
    from scored
    group by segment
), distances as (
    select one.segment, other.segment as other,
        floor(100 * sqrt(
            coalesce(pow((one.recency - other.recency) / spread.recency, 2), 0)
            + coalesce(pow((one.frequency - other.frequency) / spread.frequency, 2), 0)
            + coalesce(pow((one.monetary - other.monetary) / spread.monetary, 2), 0)
        ))::bigint as distance
    from middles as one join middles as other on one.segment <> other.segment, spread
), nearest as (
    select segment, min_by(other, (distance, other)) as other, min(distance) as distance from distances group by segment
)
select
    middles.segment, accounts, middles.money,
    case when spread.money > 0 then greatest(0, middles.money * 10000 // spread.money) else 0 end::bigint,
    (select count(*) from days),
    -- On a day on which it had nobody it has no row.
    coalesce((select sum(accounts) from history where history.segment = middles.segment) // nullif((select count(*) from days), 0), 0)::bigint,
    coalesce((select max_by(accounts, as_of) from history where history.segment = middles.segment and as_of = (select max(as_of) from days)), 0),
    coalesce((select max_by(monetary_minor, as_of) from history where history.segment = middles.segment and as_of = (select max(as_of) from days)), 0)::bigint,
    reachable, nearest.other, nearest.distance
from middles left join nearest on nearest.segment = middles.segment, spread
order by accounts desc, middles.segment

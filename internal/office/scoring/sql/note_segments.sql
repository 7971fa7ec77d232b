-- Notes what a run found per segment.
-- Inputs: scores, runs, $run. Grain: one row per segment of those who were scored; a value beyond the run's bounds counts as the bound. Changes:
-- run_segments.
insert into main.run_segments
with bounds as (
    select
        coalesce(recency_bounds[1], -9223372036854775808) as recency_low, coalesce(recency_bounds[2], 9223372036854775807) as recency_high,
        coalesce(frequency_bounds[1], -9223372036854775808) as frequency_low, coalesce(frequency_bounds[2], 9223372036854775807) as frequency_high,
        coalesce(monetary_bounds[1], -9223372036854775808) as monetary_low, coalesce(monetary_bounds[2], 9223372036854775807) as monetary_high
    from main.runs
    where run_id = $run
)
select $run, segment, count(*),
    sum(least(greatest(recency_days, recency_low), recency_high))::bigint,
    sum(least(greatest(frequency, frequency_low), frequency_high))::bigint,
    sum(least(greatest(monetary_minor, monetary_low), monetary_high))
from main.scores, bounds
where standing = 'scored'
group by segment

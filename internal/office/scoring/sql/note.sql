-- Notes a run.
-- Inputs: scores and the run's settings. Grain: one row. Changes: runs.
insert into main.runs
select
    $run, date '1970-01-01' + $as_of::integer, date '1970-01-01' + $first::integer, $ran_at::timestamp, $source, $settings, $scores,
    count(*) filter (standing = 'scored'), count(*) filter (standing = 'lapsed'), count(*) filter (standing = 'left_out'),
    case when $recency_cuts <> '' then string_split($recency_cuts, ',') else [] end::bigint[],
    case when $frequency_cuts <> '' then string_split($frequency_cuts, ',') else [] end::bigint[],
    case when $monetary_cuts <> '' then string_split($monetary_cuts, ',') else [] end::bigint[],
    case when $recency_bounds <> '' then string_split($recency_bounds, ',') else [] end::bigint[],
    case when $frequency_bounds <> '' then string_split($frequency_bounds, ',') else [] end::bigint[],
    case when $monetary_bounds <> '' then string_split($monetary_bounds, ',') else [] end::bigint[]
from main.scores

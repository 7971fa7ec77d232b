-- Reads one run.
-- Inputs: runs, $run. Grain: one row. Output: its columns, days since 1970-01-01.
select
    (as_of - date '1970-01-01')::integer, (first_day - date '1970-01-01')::integer, ran_at, source, scores, scored, lapsed,
    recency_cuts, frequency_cuts, monetary_cuts, recency_bounds, frequency_bounds, monetary_bounds
from main.runs
where run_id = $run

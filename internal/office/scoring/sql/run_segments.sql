-- Reads the segments of one run, the largest first.
-- Inputs: run_segments, $run. Grain: one row per segment. Output: segment, accounts, sums of recency, frequency, money.
select segment, accounts, recency_days, frequency, monetary_minor::bigint
from main.run_segments
where run_id = $run
order by accounts desc, segment

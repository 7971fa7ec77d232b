-- Notes what a run found per segment.
-- Inputs: scores, $run. Grain: one row per segment of those who were scored. Changes: run_segments.
insert into main.run_segments
select $run, segment, count(*), sum(recency_days)::bigint, sum(frequency)::bigint, sum(monetary_minor)
from main.scores
where standing = 'scored'
group by segment

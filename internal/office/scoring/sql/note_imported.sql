-- Notes what a customer list says per segment.
-- Inputs: customers, $run. Grain: one row per segment. Changes: run_segments.
insert into main.run_segments
select $run, segment, count(*), 0, 0, 0
from main.customers
where segment is not null and not coalesce(objected, false) and not coalesce(minor, false)
group by segment

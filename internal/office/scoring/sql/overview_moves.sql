-- Counts who of those scored changed segment since the run before.
-- Inputs: scores; $as_of. Grain: one row per pair of segments. Output: from, to, accounts.
select previous_segment, segment, count(*)
from main.scores
where changed = date '1970-01-01' + $as_of::integer and previous_segment is not null and standing = 'scored'
group by 1, 2
order by 3 desc, 1, 2

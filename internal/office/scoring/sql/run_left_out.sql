-- Counts who has receipts and is not scored.
-- Inputs: scores. Grain: one row per reason. Output: reason, accounts.
select why, count(*)
from main.scores
where standing = 'left_out'
group by why
order by why

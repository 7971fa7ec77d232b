-- Counts customers by phase.
-- Inputs: outlooks, scores. Grain: one row per phase. Output: phase, accounts, money in the window.
select phase, count(*), sum(monetary_minor)::bigint
from main.outlooks join main.scores using (account_id)
group by phase
order by list_position(['first', 'second', 'regular', 'fading', 'returned'], phase)

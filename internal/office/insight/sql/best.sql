-- Counts the best customers by how near leaving they are.
-- Inputs: outlooks, scores, runs. Grain: one row per stage. Output: stage, accounts, money in the window.
select leaving, count(*), sum(monetary_minor)::bigint
from main.outlooks join main.scores using (account_id), (select greatest(2, max_by(scores, run_id) - 1) as high from main.runs)
where standing = 'scored' and f >= high and m >= high
group by leaving
order by list_position(['steady', 'late', 'leaving', 'gone'], leaving)

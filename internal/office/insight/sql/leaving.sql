-- Names the best customers who are late or leaving, who spends most first.
-- Inputs: outlooks, scores, accounts, runs, $top. Grain: one row per customer. Output: customer number, segment, stage, money in the window, days
-- since the last visit, usual days between two.
select coalesce(external_id, ''), segment, leaving, monetary_minor, since_days::bigint, usual_days::bigint
from main.outlooks
join main.scores using (account_id)
left join main.accounts using (account_id), (select greatest(2, max_by(scores, run_id) - 1) as high from main.runs)
where standing = 'scored' and f >= high and m >= high and leaving in ('late', 'leaving')
order by monetary_minor desc, account_id
limit $top

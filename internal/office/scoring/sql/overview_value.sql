-- Adds up what is foretold per segment.
-- Inputs: predictions, scores. Grain: one row per segment. Output: segment, accounts, sums of the probability to still buy in millionths, of
-- visits in thousandths, of turnover in minor units, in twelve months.
select segment, count(*), sum(alive_millionths)::bigint, sum(visits_thousandths)::bigint, sum(value_minor)::bigint
from main.predictions
join main.scores using (account_id)
where standing = 'scored' and segment is not null
group by segment
order by 5 desc, 1

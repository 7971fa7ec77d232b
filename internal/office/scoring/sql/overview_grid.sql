-- Counts customers by recency and frequency score.
-- Inputs: scores. Grain: one row per pair of scores that occurs. Output: recency score, frequency score, accounts, money in minor units, sum of
-- their money scores.
select r, f, count(*), sum(monetary_minor)::bigint, sum(m)::bigint
from main.scores
where standing = 'scored'
group by r, f
order by r, f

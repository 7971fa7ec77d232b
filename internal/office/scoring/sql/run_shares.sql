-- Counts accounts per score.
-- Inputs: scores. Grain: one row per dimension (0 recency, 1 frequency, 2 money) and score that occurs. Output: dimension, score, accounts.
select 0 as dimension, r as score, count(*) from main.scores where standing = 'scored' group by all
union all
select 1, f, count(*) from main.scores where standing = 'scored' group by all
union all
select 2, m, count(*) from main.scores where standing = 'scored' group by all

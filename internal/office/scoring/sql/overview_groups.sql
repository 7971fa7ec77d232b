-- Counts who came once, and which regular customers are fading.
-- Inputs: scores; $scores, their number per dimension. Grain: one row. Output: accounts, their money in minor units, those who came once, regular
-- customers who are fading, what those spent.
with scored as (
    -- Regular: the upper two fifths of frequency scores. Fading: the lower two fifths of recency scores.
    select *, f * 5 > $scores * 3 and r * 5 <= $scores * 2 as fading
    from main.scores
    where standing = 'scored'
)
select
    count(*), coalesce(sum(monetary_minor), 0)::bigint, count(*) filter (frequency = 1),
    count(*) filter (fading), coalesce(sum(monetary_minor) filter (fading), 0)::bigint
from scored

-- Reads by what articles were bought: the article's group, or else the article.
-- Inputs: purchases, goods. Grain: one row per code. Output: the code.
select distinct coalesce(nullif(group_code, ''), sku) as code
from main.goods semi join temp.main.purchases using (receipt_id)
where merchandise and code is not null
order by code

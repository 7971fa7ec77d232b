-- Takes what customers are held against.
-- Inputs: scores, visited, breadth; $run, $as_of. Grain: one row. Changes: outlook_marks.
insert into main.outlook_marks
with scored as (
    select scores.*, coalesce(breadth.groups, 0) as groups, monetary_minor // nullif(frequency, 0) as basket
    from main.scores left join temp.main.breadth using (account_id)
    where standing = 'scored'
)
select
    $run,
    (select quantile_disc(gap, 0.5) from temp.main.visited where gap is not null)::integer,
    quantile_disc(date '1970-01-01' + $as_of::integer - first_receipt, 0.5)::integer,
    quantile_disc(monetary_minor, 0.5),
    quantile_disc(frequency, 0.75),
    quantile_disc(basket, 0.75),
    quantile_disc(groups, 0.75)
from scored

-- Refuses receipts that the list tells apart but that have one identity.
-- Inputs: staged. Changes: problem.
update temp.main.staged
set problem = 'another receipt of the list has the same store, till, day and number'
from (
    select store, till, business_date, receipt_no
    from temp.main.staged
    group by all
    having count(*) > 1
) as doubled
where staged.store = doubled.store and staged.till = doubled.till and staged.business_date = doubled.business_date
    and staged.receipt_no = doubled.receipt_no and staged.problem is null

-- Gathers the receipts that another one made void after they were closed.
-- Inputs: receipts; $as_of, the last day. Grain: one row per post-void that names its sale. Output: voided.
create temp table voided as
select original_store, original_till, original_business_date, original_receipt_no
from main.receipts
where kind = 'post_void' and original_receipt_no is not null and business_date <= date '1970-01-01' + $as_of::integer

-- Gives anonymous receipts that customers claimed afterwards their account.
-- Inputs: delivered. Changes: receipts.
update main.receipts
set account_id = delivered.account_id
from temp.main.delivered
where delivered.kind = 'claim' and delivered.account_id is not null and receipts.account_id is null and receipts.kind = 'sale'
    and receipts.store = delivered.original_store and receipts.till = delivered.original_till
    and receipts.business_date = delivered.original_business_date and receipts.receipt_no = delivered.original_receipt_no

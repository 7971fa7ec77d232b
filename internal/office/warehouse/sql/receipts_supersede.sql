-- Lets imported receipts stand for delivered ones.
-- Inputs: receipts. Changes: superseded.
update main.receipts
set superseded = true
where source = 'delivered' and not superseded
    and (store, till, business_date, receipt_no) in (
        select (store, till, business_date, receipt_no) from main.receipts where source = 'imported'
    )

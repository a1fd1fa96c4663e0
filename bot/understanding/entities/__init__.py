"""What a message names: order numbers, e-mails, phones, dates, amounts, and the company's own phrases and patterns."""

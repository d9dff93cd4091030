"""Made-up bodies: an abdomen for CT and a lumbar spine for MR, with masks and with lesions where a report has them."""

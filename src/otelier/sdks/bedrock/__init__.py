"""``botocore`` and ``aiobotocore``: Amazon Bedrock."""

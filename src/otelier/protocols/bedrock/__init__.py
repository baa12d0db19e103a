"""Amazon Bedrock's APIs."""

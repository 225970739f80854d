"""What an AWS Lambda invocation needs beyond the gate: events, artifacts, tokens, answers. Contract: docs/lambda.md."""

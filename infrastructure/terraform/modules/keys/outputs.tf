output "arns" {
  description = "ARN of each key by its purpose."
  value       = { for purpose, key in aws_kms_key.this : purpose => key.arn }
}

output "policies" {
  description = "Policy of each key by its purpose; replica keys have the same."
  value       = { for purpose, policy in data.aws_iam_policy_document.key : purpose => policy.json }
}

output "buckets" {
  description = "Name of each bucket: backup-replica, vault-backup."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.id }
}

output "bucket_arns" {
  description = "ARN of each bucket."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.arn }
}

output "key_arns" {
  description = "ARN of each replica key by its purpose."
  value       = { for purpose, key in aws_kms_replica_key.this : purpose => key.arn }
}

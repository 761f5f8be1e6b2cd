output "buckets" {
  description = "Name of each bucket: data, backup, access-log."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.id }
}

output "bucket_arns" {
  description = "ARN of each bucket."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.arn }
}

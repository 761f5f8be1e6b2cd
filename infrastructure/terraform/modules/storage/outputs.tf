output "buckets" {
  description = "Name of each bucket."
  value       = { data = module.data.id, backup = module.backup.id, access-log = module.access_log.id }
}

output "bucket_arns" {
  description = "ARN of each bucket."
  value       = { data = module.data.arn, backup = module.backup.arn, access-log = module.access_log.arn }
}

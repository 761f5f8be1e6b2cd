output "buckets" {
  description = "Name of each bucket."
  value       = { backup-replica = module.backup_replica.id, vault-backup = module.vault_backup.id }
}

output "bucket_arns" {
  description = "ARN of each bucket."
  value       = { backup-replica = module.backup_replica.arn, vault-backup = module.vault_backup.arn }
}

output "key_arns" {
  description = "ARN of each replica key by its purpose."
  value       = { for purpose, key in aws_kms_replica_key.this : purpose => key.arn }
}

output "settings" {
  description = "Settings of the program that this installation decides; the deployment writes them for the chart."
  value = {
    ENVIRONMENT          = var.environment
    AWS_REGION           = var.region
    LAKE_DATA            = "s3://${module.storage.buckets["data"]}/lake"
    LANDING              = "s3://${module.storage.buckets["data"]}/landing"
    S3_BACKUP_BUCKET     = module.storage.buckets["backup"]
    S3_BACKUP_KMS_KEY_ID = module.keys.arns["backups"]
    VAULT_BACKUP         = "s3://${module.standby.buckets["vault-backup"]}"
    VAULT_KMS_KEY_ID     = module.keys.arns["vault"]
    SNS_TOPIC_ARN        = module.alerts.alerts_topic_arn
    CLOUDWATCH_METRICS   = "true"
    EMERGENCY_QUEUE_URL  = module.emergency.queue_url
  }
}

output "standby_settings" {
  description = "Settings with which an installation in the standby region is restored from the replica."
  value = {
    ENVIRONMENT      = var.environment
    AWS_REGION       = var.standby_region
    S3_BACKUP_BUCKET = module.standby.buckets["backup-replica"]
    VAULT_BACKUP     = "s3://${module.standby.buckets["vault-backup"]}"
    VAULT_KMS_KEY_ID = module.standby.key_arns["vault"]
  }
}

output "cluster" {
  description = "Name of the cluster."
  value       = module.cluster.name
}

output "role_arns" {
  description = "Role of each service account of the chart."
  value       = module.access.role_arns
}

output "image_repository" {
  description = "Address that the image is pushed to."
  value       = module.registry.url
}

output "databases" {
  description = "Host name of each database server."
  value       = module.database.addresses
}

output "secret_arns" {
  description = "Secrets whose values an operator writes."
  value       = module.secrets.arns
}

# One installation: everything that sync-platform needs in AWS, in its region and in a standby region.
# An environment (environments/) calls this module with its own values.

locals {
  name           = "${var.prefix}-${var.environment}"
  retention_days = var.retention_days
}

module "keys" {
  source           = "../modules/keys"
  name             = local.name
  environment      = var.environment
  vault_key_owners = var.vault_key_owners
}

module "network" {
  source             = "../modules/network"
  name               = local.name
  environment        = var.environment
  region             = var.region
  cidr               = var.cidr
  zones              = var.zones
  nat_per_zone       = var.nat_per_zone
  log_retention_days = local.retention_days["logs"]
  logs_key_arn       = module.keys.arns["logs"]
}

module "standby" {
  source           = "../modules/standby"
  providers        = { aws = aws.standby }
  name             = "${local.name}-standby"
  primary_key_arns = module.keys.arns
  key_policies     = module.keys.policies
  backup_lock_days = var.backup_lock_days
}

module "storage" {
  source             = "../modules/storage"
  name               = local.name
  key_arns           = module.keys.arns
  retention_days     = local.retention_days
  backup_lock_days   = var.backup_lock_days
  replica_bucket_arn = module.standby.bucket_arns["backup-replica"]
  replica_key_arn    = module.standby.key_arns["backups"]
}

module "cluster" {
  source             = "../modules/cluster"
  name               = local.name
  kubernetes_version = var.kubernetes_version
  subnet_ids         = module.network.private_subnet_ids
  node_groups        = var.node_groups
  administrator_arns = var.administrator_arns
  secrets_key_arn    = module.keys.arns["secrets"]
  disk_key_arn       = module.keys.arns["disks"]
  logs_key_arn       = module.keys.arns["logs"]
  log_retention_days = local.retention_days["logs"]
}

module "database" {
  source                   = "../modules/database"
  name                     = local.name
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.private_subnet_ids
  client_security_group_id = module.cluster.security_group_id
  instance_class           = var.database_class
  storage_gb               = var.database_storage_gb
  multi_az                 = var.database_multi_az
  backup_days              = var.database_backup_days
  deletion_protection      = var.deletion_protection
  key_arn                  = module.keys.arns["database"]
  secrets_key_arn          = module.keys.arns["secrets"]
  logs_key_arn             = module.keys.arns["logs"]
  log_retention_days       = local.retention_days["logs"]
}

module "alerts" {
  source    = "../modules/alerts"
  name      = local.name
  key_arn   = module.keys.arns["messages"]
  receivers = var.alert_receivers
}

module "observability" {
  source             = "../modules/observability"
  environment        = var.environment
  region             = var.region
  log_retention_days = local.retention_days["logs"]
  logs_key_arn       = module.keys.arns["logs"]
  alarms_topic_arn   = module.alerts.alarms_topic_arn
}

module "emergency" {
  source           = "../modules/emergency"
  name             = local.name
  key_arn          = module.keys.arns["messages"]
  alarms_topic_arn = module.alerts.alarms_topic_arn
}

module "registry" {
  source  = "../modules/registry"
  name    = local.name
  key_arn = module.keys.arns["secrets"]
}

module "secrets" {
  source         = "../modules/secrets"
  name           = local.name
  key_arn        = module.keys.arns["secrets"]
  standby_region = var.standby_region
  secrets = {
    databases    = "addresses and passwords of the lake's catalog, the ledger, the vault and Dagster"
    platforms    = "credentials of the platforms: <PLATFORM>_API_KEY and others"
    recovery-key = "the public half of the recovery key of backups; the other half is kept outside AWS"
    login        = "secret of the login: client of the identity provider"
    keys         = "key files of the pods: backup.key, the key of the vault's backup"
  }
}

module "access" {
  source              = "../modules/access"
  name                = local.name
  region              = var.region
  standby_region      = var.standby_region
  issuer_arn          = module.cluster.issuer_arn
  issuer              = module.cluster.issuer
  bucket_arns         = merge(module.storage.bucket_arns, module.standby.bucket_arns)
  key_arns            = merge(module.keys.arns, { vault-backup = module.standby.key_arns["backups"] })
  alerts_topic_arn    = module.alerts.alerts_topic_arn
  emergency_queue_arn = module.emergency.queue_arn
}

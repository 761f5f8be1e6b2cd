# What the standby region has: the replica of the backups, the only backup of the vault, and the keys that open both.
# The vault's backup has no versions: an erased person's key must be gone from it. It is here and not beside the vault,
# so that the loss of one region never takes both.

locals {
  keys = { for purpose in ["backups", "vault"] : purpose => var.primary_key_arns[purpose] }
}

resource "aws_kms_replica_key" "this" {
  for_each                = local.keys
  description             = "sync-platform, standby: ${each.key}"
  primary_key_arn         = each.value
  deletion_window_in_days = 30
  policy                  = var.key_policies[each.key]
}

resource "aws_kms_alias" "this" {
  for_each      = local.keys
  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_replica_key.this[each.key].key_id
}

module "backup_replica" {
  source    = "../bucket"
  name      = "${var.name}-backup-replica"
  purpose   = "replica of the backups"
  key_arn   = aws_kms_replica_key.this["backups"].arn
  is_locked = true
  lock_days = var.backup_lock_days
}

module "vault_backup" {
  source  = "../bucket"
  name    = "${var.name}-vault-backup"
  purpose = "backup of the vault"
  key_arn = aws_kms_replica_key.this["backups"].arn
}

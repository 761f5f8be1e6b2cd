# Buckets. What the program deletes must be gone, so data, landing and the vault's backup have no versions; backups have
# versions and object lock, because they must survive a person or a program that wants to destroy them.

module "access_log" {
  source             = "../bucket"
  name               = "${var.name}-access-log"
  purpose            = "who read and wrote the other buckets"
  takes_access_logs  = true
  expired_after_days = { "" = var.retention_days["access_logs"] }
}

module "data" {
  source  = "../bucket"
  name    = "${var.name}-data"
  purpose = "the lake's files and landed pages"
  key_arn = var.key_arns["data"]
  # landed pages that the program could not delete: a second net, behind the program's own retention
  expired_after_days = { "landing/" = var.retention_days["landing"] + var.grace_days }
}

module "backup" {
  source    = "../bucket"
  name      = "${var.name}-backup"
  purpose   = "backups and anchors"
  key_arn   = var.key_arns["backups"]
  is_locked = true
  lock_days = var.backup_lock_days
}

resource "aws_s3_bucket_logging" "this" {
  for_each      = { data = module.data.id, backup = module.backup.id }
  bucket        = each.value
  target_bucket = module.access_log.id
  target_prefix = "${each.key}/"
}

data "aws_caller_identity" "current" {}

# --- backups are replicated into the standby region

resource "aws_s3_bucket_replication_configuration" "backup" {
  role   = aws_iam_role.replication.arn
  bucket = module.backup.id

  rule {
    id     = "standby"
    status = "Enabled"
    filter {}
    delete_marker_replication {
      status = "Enabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket        = var.replica_bucket_arn
      storage_class = "STANDARD_IA"
      encryption_configuration {
        replica_kms_key_id = var.replica_key_arn
      }
      metrics {
        status = "Enabled"
        event_threshold {
          minutes = 15
        }
      }
      replication_time {
        status = "Enabled"
        time {
          minutes = 15
        }
      }
    }
  }

  depends_on = [module.backup] # which has versions then
}

resource "aws_iam_role" "replication" {
  name               = "${var.name}-backup-replication"
  assume_role_policy = data.aws_iam_policy_document.replication_trust.json
}

resource "aws_iam_role_policy" "replication" {
  name   = "replicate-backups"
  role   = aws_iam_role.replication.id
  policy = data.aws_iam_policy_document.replication.json
}

data "aws_iam_policy_document" "replication_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "replication" {
  statement {
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [module.backup.arn]
  }

  statement {
    actions = [
      "s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging", "s3:GetObjectRetention",
      "s3:GetObjectLegalHold"
    ]
    resources = ["${module.backup.arn}/*"]
  }

  statement {
    actions   = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
    resources = ["${var.replica_bucket_arn}/*"]
  }

  statement {
    actions   = ["kms:Decrypt"]
    resources = [var.key_arns["backups"]]
  }

  statement {
    actions   = ["kms:GenerateDataKey", "kms:Encrypt"]
    resources = [var.replica_key_arn]
  }
}

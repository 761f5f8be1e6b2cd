# Buckets. What the program deletes must be gone, so data, landing and the vault's backup have no versions; backups have
# versions and object lock, because they must survive a person or a program that wants to destroy them.

locals {
  buckets = {
    data = {
      purpose   = "the lake's files and landed pages"
      versioned = false
    }
    backup = {
      purpose   = "backups and anchors"
      versioned = true
    }
    access-log = {
      purpose   = "who read and wrote the other buckets"
      versioned = false
    }
  }
  keys   = { data = var.key_arns["data"], backup = var.key_arns["backups"] }
  logged = { for name, bucket in local.buckets : name => bucket if name != "access-log" }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_21:data has no versions: an erased or expired page must be gone; backup has versions
  #checkov:skip=CKV_AWS_144:data is in every backup, and backups are replicated
  #checkov:skip=CKV_AWS_145:the log of access takes only the key that S3 manages
  #checkov:skip=CKV_AWS_18:the bucket of the log of access has no log of its own
  #checkov:skip=CKV2_AWS_62:nothing waits for events of these buckets
  for_each            = local.buckets
  bucket              = "${var.name}-${each.key}"
  object_lock_enabled = each.key == "backup"
  tags                = { purpose = each.value.purpose }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    bucket_key_enabled = contains(keys(local.keys), each.key)
    apply_server_side_encryption_by_default {
      sse_algorithm     = each.key == "access-log" ? "AES256" : "aws:kms"
      kms_master_key_id = lookup(local.keys, each.key, null)
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = { for name, bucket in local.buckets : name => bucket if bucket.versioned }
  bucket   = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "backup" {
  bucket = aws_s3_bucket.this["backup"].id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.backup_lock_days
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  for_each      = local.logged
  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = aws_s3_bucket.this["access-log"].id
  target_prefix = "${each.key}/"
}

# The program deletes landed pages and backups itself, and records it: a rule that deletes by age alone would take files
# that a newer backup still uses. These rules only clear away what no program sees any more.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  #checkov:skip=CKV_AWS_300:the first rule ends unfinished uploads in every bucket; the check does not see it beside dynamic rules
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  dynamic "rule" {
    for_each = each.value.versioned ? [1] : []
    content {
      id     = "deleted-versions"
      status = "Enabled"
      filter {}
      noncurrent_version_expiration {
        noncurrent_days = var.backup_lock_days
      }
    }
  }

  dynamic "rule" {
    for_each = each.value.versioned ? [1] : []
    content {
      id     = "markers-of-deleted-versions"
      status = "Enabled"
      filter {}
      expiration {
        expired_object_delete_marker = true
      }
    }
  }

  # Landed pages that the program could not delete: a second net, behind the program's own retention.
  dynamic "rule" {
    for_each = each.key == "data" ? [1] : []
    content {
      id     = "landed-pages"
      status = "Enabled"
      filter {
        prefix = "landing/"
      }
      expiration {
        days = var.retention_days["landing"] + var.grace_days
      }
    }
  }

  dynamic "rule" {
    for_each = each.key == "access-log" ? [1] : []
    content {
      id     = "old-logs"
      status = "Enabled"
      filter {}
      expiration {
        days = var.retention_days["access_logs"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  policy   = data.aws_iam_policy_document.bucket[each.key].json
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "bucket" {
  for_each = local.buckets

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "NoOldTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = ["1.2"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "access-log" ? [1] : []
    content {
      sid       = "LogsAreDelivered"
      actions   = ["s3:PutObject"]
      resources = ["${aws_s3_bucket.this[each.key].arn}/*"]
      principals {
        type        = "Service"
        identifiers = ["logging.s3.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [data.aws_caller_identity.current.account_id]
      }
    }
  }
}

# --- backups are replicated into the standby region

resource "aws_s3_bucket_replication_configuration" "backup" {
  role   = aws_iam_role.replication.arn
  bucket = aws_s3_bucket.this["backup"].id

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

  depends_on = [aws_s3_bucket_versioning.this]
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
    resources = [aws_s3_bucket.this["backup"].arn]
  }

  statement {
    actions = [
      "s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging", "s3:GetObjectRetention",
      "s3:GetObjectLegalHold"
    ]
    resources = ["${aws_s3_bucket.this["backup"].arn}/*"]
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

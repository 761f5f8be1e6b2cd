# PostgreSQL, twice: one server for the lake's catalog, the ledger and Dagster, and one for the vault alone.
# The vault's server has no automatic backups: a snapshot would keep the keys of erased persons. The program makes the
# vault's backup itself, and takes erased keys out of it (docs/backup.md).

locals {
  servers = {
    main  = { class = var.instance_class, storage_gb = var.storage_gb, backup_days = var.backup_days }
    vault = { class = var.vault_instance_class, storage_gb = 20, backup_days = 0 }
  }
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "PostgreSQL, from the cluster"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "cluster" {
  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL from the pods"
  referenced_security_group_id = var.client_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "postgres${var.postgres_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # The retry after a conflict reads the server's messages, which must be English (docs/operations.md).
  parameter {
    name  = "lc_messages"
    value = "C"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_161:passwords are made and rotated by RDS in Secrets Manager; the program has no IAM login to databases
  #checkov:skip=CKV_AWS_133:the vault's server has no automatic backups, which would keep the keys of erased persons
  #checkov:skip=CKV_AWS_293:the environment of development may be deleted; the others have the protection
  #checkov:skip=CKV_AWS_157:the environment of development has one server; production has a second one that takes over
  #checkov:skip=CKV2_AWS_30:statements would write values into logs; changes of tables are logged
  for_each                        = local.servers
  identifier                      = "${var.name}-${each.key}"
  engine                          = "postgres"
  engine_version                  = var.postgres_version
  instance_class                  = each.value.class
  allocated_storage               = each.value.storage_gb
  max_allocated_storage           = each.value.storage_gb * 5
  storage_type                    = "gp3"
  storage_encrypted               = true
  kms_key_id                      = var.key_arn
  username                        = "administrator"
  manage_master_user_password     = true
  master_user_secret_kms_key_id   = var.secrets_key_arn
  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  publicly_accessible             = false
  multi_az                        = var.multi_az
  parameter_group_name            = aws_db_parameter_group.this.name
  ca_cert_identifier              = "rds-ca-rsa2048-g1"
  auto_minor_version_upgrade      = true
  backup_retention_period         = each.value.backup_days
  delete_automated_backups        = true
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = each.key == "vault"
  final_snapshot_identifier       = each.key == "vault" ? null : "${var.name}-${each.key}-final"
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.key_arn
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  apply_immediately               = false

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:the retention table says how long logs are kept
  for_each          = { for pair in setproduct(keys(local.servers), ["postgresql", "upgrade"]) : join("/", pair) => pair }
  name              = "/aws/rds/instance/${var.name}-${each.value[0]}/${each.value[1]}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_iam_role" "monitoring" {
  name               = "${var.name}-database-monitoring"
  assume_role_policy = data.aws_iam_policy_document.monitoring_trust.json
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

data "aws_iam_policy_document" "monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
  }
}

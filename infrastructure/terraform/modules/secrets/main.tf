# Places for secrets. Their values are written by an operator or by the deployment, never by Terraform, whose state
# would keep them in clear.

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:the platforms give these credentials and do not let a program rotate them
  for_each                = var.secrets
  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = var.key_arn
  recovery_window_in_days = 30

  dynamic "replica" {
    for_each = var.standby_region == "" ? [] : [var.standby_region]
    content {
      region = replica.value
    }
  }
}

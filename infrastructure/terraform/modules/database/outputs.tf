output "addresses" {
  description = "Host name of each server: main, vault."
  value       = { for name, server in aws_db_instance.this : name => server.address }
}

output "password_secret_arns" {
  description = "Secret with the administrator's password of each server."
  value       = { for name, server in aws_db_instance.this : name => server.master_user_secret[0].secret_arn }
}

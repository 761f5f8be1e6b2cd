output "settings" {
  description = "See ../../stack/outputs.tf."
  value       = module.stack.settings
}

output "standby_settings" {
  description = "See ../../stack/outputs.tf."
  value       = module.stack.standby_settings
}

output "cluster" {
  description = "See ../../stack/outputs.tf."
  value       = module.stack.cluster
}

output "role_arns" {
  description = "See ../../stack/outputs.tf."
  value       = module.stack.role_arns
}

output "image_repository" {
  description = "See ../../stack/outputs.tf."
  value       = module.stack.image_repository
}

output "databases" {
  description = "See ../../stack/outputs.tf."
  value       = module.stack.databases
}

output "secret_arns" {
  description = "See ../../stack/outputs.tf."
  value       = module.stack.secret_arns
}

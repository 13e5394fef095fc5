-- The databases of an emulated TiDB Cloud cluster. It is written after each change, so change it only while nothing serves.
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
SET SESSION foreign_key_checks = 0;
SET SESSION time_zone = '+00:00';
CREATE DATABASE `shop` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE DATABASE `test` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE `shop`;
CREATE TABLE `goose_db_version` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `version_id` bigint NOT NULL,
  `is_applied` tinyint(1) NOT NULL,
  `tstamp` timestamp DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `id` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `goose_db_version` (`id`,`version_id`,`is_applied`,`tstamp`) VALUES
(1,0,1,'2026-11-30 11:56:39'),
(2,1,1,'2026-11-30 11:56:39');
CREATE TABLE `guests` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `name` varchar(64) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `guests` (`id`,`name`) VALUES
(1,'Ada');
CREATE TABLE `pulumi_migrations` (
  `version` bigint NOT NULL,
  `hash` char(64) NOT NULL,
  `name` varchar(255) NOT NULL,
  `started_at` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `finished` tinyint(1) NOT NULL DEFAULT '0',
  PRIMARY KEY (`version`,`hash`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `pulumi_migrations` (`version`,`hash`,`name`,`started_at`,`finished`) VALUES
(1,'2cfeafb39dc4387179d5f80e99e831a2ffa9c3253f50a6ec75e1b761c84204e2','00001_guests.sql','2026-11-30 11:56:39',1);
USE `test`;

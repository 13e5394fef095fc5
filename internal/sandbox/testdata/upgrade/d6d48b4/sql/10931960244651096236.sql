-- The databases of an emulated TiDB Cloud cluster. It is written after each change, so change it only while nothing serves.
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
SET SESSION foreign_key_checks = 0;
SET SESSION time_zone = '+00:00';
CREATE DATABASE `portfolio` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE DATABASE `test` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE `portfolio`;
CREATE TABLE `guests` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `name` varchar(64) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `guests` (`id`,`name`) VALUES
(1,'Ada');
USE `test`;

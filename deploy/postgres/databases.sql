-- One database for each network function that keeps state. UTF-8 whatever the server's locale is:
-- names and texts of models are Unicode.
CREATE DATABASE anlf TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE mtlf TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE mms TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE inference TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE oam TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE ransim TEMPLATE template0 ENCODING 'UTF8';

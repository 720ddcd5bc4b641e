-- One database for each network function that keeps state.
CREATE DATABASE anlf;
CREATE DATABASE mtlf;
CREATE DATABASE mms;
CREATE DATABASE inference;
CREATE DATABASE oam;
CREATE DATABASE ransim;

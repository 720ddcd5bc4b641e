"""The platform's face on HTTP: today a health page; REST facades and a dashboard come to it."""

/** The build puts styles that a script names beside it. */
declare module "*.css";

"""``aimlctl sim``: passes, maps, link budgets, validation, all without a running platform."""

import typer

from aimlctl.options import JsonOption
from aimlctl.output import Output
from aimlctl.sim import options as o
from aimlctl.sim import tensor_options as t

app = typer.Typer(
    no_args_is_help=True, help="Passes, link budgets and validation of the simulator by itself."
)

# The physics takes a second to import; other commands shall not wait for it.


@app.command("pass")
def simulate_pass(
    *,
    tle: o.TleOption,
    satellite: o.SatelliteOption,
    site: o.SiteOption,
    start: o.StartOption,
    end: o.EndOption,
    step_s: o.StepOption = 10.0,
    frequency_ghz: o.FrequencyOption,
    minimum_elevation_deg: o.MaskOption = 0.0,
    losses: o.LossesOption = "itu",
    exceedance_percent: o.ExceedanceOption = 1.0,
    antenna_diameter_m: o.AntennaOption = 0.6,
    allow_stale: o.StaleOption = False,
    csv: o.CsvOption = None,
    parquet: o.ParquetOption = None,
    plot: o.PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """A satellite as a site sees it: range, angles, Doppler and losses.

    Geometry is given below the horizon too (elevations are signed); losses are null where the
    satellite is not visible.
    """
    from aimlctl.sim import pass_command  # noqa: PLC0415 - see above

    pass_command.run(
        pass_command.PassRequest(
            tle=tle,
            satellite=satellite,
            site=site,
            start=start,
            end=end,
            step_s=step_s,
            frequency_ghz=frequency_ghz,
            minimum_elevation_deg=minimum_elevation_deg,
            losses=losses,
            exceedance_percent=exceedance_percent,
            antenna_diameter_m=antenna_diameter_m,
            allow_stale=allow_stale,
            csv=csv,
            parquet=parquet,
            plot=plot,
        ),
        Output.of(as_json=as_json),
    )


@app.command("validate")
def validate(*, reference: o.ReferenceOption = None, as_json: JsonOption = False) -> None:
    """The simulator against reference numbers; fails if one is outside of its tolerance.

    Every row of a file of the same structure is evaluated; sections that nothing here can check
    are listed as not checked.
    """
    from aimlctl.sim import validate_command  # noqa: PLC0415 - see above

    if not validate_command.run(reference, Output.of(as_json=as_json)):
        raise typer.Exit(1)


@app.command("link-budget")
def link_budget(
    cases: o.CasesArgument = None,
    *,
    direction: o.DirectionOption = "both",
    altitude_km: o.AltitudeOption = None,
    elevation_deg: o.ElevationOption = None,
    frequency_ghz: o.LinkFrequencyOption = None,
    bandwidth_mhz: o.BandwidthOption = None,
    eirp_dbw: o.EirpOption = None,
    g_over_t_db_per_k: o.MeritOption = None,
    shadow_margin_db: o.ShadowOption = 0.0,
    polarisation_loss_db: o.PolarisationOption = 0.0,
    additional_loss_db: o.AdditionalOption = 0.0,
    magnetic_latitude_deg: o.MagneticOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """The study cases of TR 38.821 by name, or one link by its parameters."""
    from aimlctl.sim import link_budget_command  # noqa: PLC0415 - see above

    link_budget_command.run(
        cases or [],
        direction,
        link_budget_command.FreeLink(
            altitude_km=altitude_km,
            elevation_deg=elevation_deg,
            frequency_ghz=frequency_ghz,
            bandwidth_mhz=bandwidth_mhz,
            eirp_dbw=eirp_dbw,
            g_over_t_db_per_k=g_over_t_db_per_k,
            shadow_margin_db=shadow_margin_db,
            polarisation_loss_db=polarisation_loss_db,
            additional_loss_db=additional_loss_db,
            magnetic_latitude_deg=magnetic_latitude_deg,
        ),
        Output.of(as_json=as_json),
    )


@app.command("tensor")
def physics_tensor(
    *,
    tle: o.TleOption,
    satellite: o.SatelliteOption,
    site: t.CentreOption,
    start: o.StartOption,
    end: t.InstantOption = None,
    step_s: o.StepOption = 10.0,
    frequency_ghz: o.FrequencyOption,
    output: t.OutputOption,
    span_deg: t.SpanOption = 20.0,
    cells: t.CellsOption = 100,
    coverage: t.CoverageOption = "adaptive_aperture",
    steering: t.SteeringOption = "earth_fixed",
    exceedance_percent: o.ExceedanceOption = 1.0,
    land_cover: t.LandCoverOption = None,
    allow_stale: o.StaleOption = False,
    plot: t.MapPlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Path loss, gain, attenuation, Doppler, land cover and scintillation over a map.

    Cells where the satellite stands below 5 degrees hold no number but their land cover.
    """
    from aimlctl.sim import tensor_command  # noqa: PLC0415 - see above

    tensor_command.run(
        tensor_command.TensorRequest(
            tle=tle,
            satellite=satellite,
            site=site,
            start=start,
            end=end,
            step_s=step_s,
            frequency_ghz=frequency_ghz,
            span_deg=span_deg,
            cells=cells,
            coverage=coverage,
            steering=steering,
            exceedance_percent=exceedance_percent,
            land_cover=land_cover,
            allow_stale=allow_stale,
            output=output,
            plot=plot,
        ),
        Output.of(as_json=as_json),
    )
